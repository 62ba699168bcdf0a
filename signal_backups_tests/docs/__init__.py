"""README and the pages under ``docs/``: every command on them is run, every link and field checked."""
