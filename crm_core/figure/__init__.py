"""The figures of the house: what they are made of, what they mean, how they are worked out. Pure.

    rows      what happened, as plain rows
    period    days of a shop, hours, where a call and a span of time count
    count     rows -> tallies
    tally     counts, times and sums that add up
    figure    a tally -> figures, each with its formula, numerator and denominator

`crm_core.read.figures` has the database count the same; tests hold one against the other.
"""
