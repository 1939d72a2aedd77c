"""The ML Test Score of a use case (Breck, Cai, Nielsen, Salib and Sculley, 2017): 28 tests, each by what is on record.

Each test is a function of `Evidence` alone, in the module of its section. What the page looks like belongs in
`catena.reports.score_card`.
"""
