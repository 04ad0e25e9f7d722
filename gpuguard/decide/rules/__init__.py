"""The rules, one module per family. `gpuguard.decide.rule.rules` finds them by walking this folder."""
