"""Sample data for tests: signals, tables of signals, and days that went through the backup stages."""
