"""Is everything there that backups need? Small checks, each with what was found and what to do about it."""
