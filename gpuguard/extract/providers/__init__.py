"""The Terraform providers that are read, one package or module each."""
