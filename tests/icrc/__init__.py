"""The suite of token ledgers, judged by ledgers: one that others wrote, ours, and ours with one fault each."""
