"""Bytes → documents: Terraform plans and states, decoded only as far as an accelerator can hide in them."""

from gpuguard.read.detect import read_document

__all__ = ["read_document"]
