"""Programs for people who work on gpuguard."""
