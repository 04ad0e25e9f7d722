"""Price catalog and pricing engine."""
