"""What canisters executed during tests, by module: coverage and flame graphs.

`records` brings the records of all processes together; `coverage` and `flame` make figures of them, which the other
files write as tables, pages and files for other tools.
"""
