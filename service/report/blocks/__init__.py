"""The blocks of evidence, one file each: see `service/report`."""
