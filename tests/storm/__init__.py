"""The fault storm: the real books, verbs and head-end against simulated meters in virtual time, hurt on purpose.

One thread, one seed, one trace. The oracle is physical truth: what each meter holds against what the ledger says.
"""
