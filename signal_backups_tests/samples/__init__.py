"""What tests are made of: signals, tables of them, and days taken through the stages."""
