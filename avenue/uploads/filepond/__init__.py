"""Uploads by FilePond's protocol (https://pqina.nl/filepond/docs/api/server/)."""
