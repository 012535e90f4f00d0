"""Malware scanning of uploads with clamd, the daemon of ClamAV."""
