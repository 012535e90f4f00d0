"""A scanner looks for malware in files that come in: clamd, the daemon of ClamAV."""
