"""The flight recorder: what a switchboard said about each call, kept with the call.

tape        one call's messages as bytes, and back                ear         what one switchboard says, by call
recorder    collects a tape when a call is over and has it written
words       a message in words that a supervisor understands
pseudonyms  numbers and names -> others of the same shape         export      a tape as a capture for `replay`
"""
