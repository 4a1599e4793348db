"""What people ask about the game."""

WHY_FAIR = """
Both networks get what you get: one labelled example of each character, then one query alone. They
start from weights that know nothing about these characters, take {steps} of gradient descent on
the examples, and answer; for the next question they start again. MAML's start was trained so that
such steps lead far, the pretrained one's by telling hundreds of other characters apart. What MAML
gains is above all the first step: with five, pretraining nearly draws level. The buttons above say
how many they take.
"""
WHY_HARD = """
Characters of different alphabets mostly differ at a glance; those of one alphabet share strokes and
style. The third mode is like Omniglot's own challenge: 20 characters of one alphabet, the examples
by one drawer and the queries by another. In that challenge people have an error rate of 4.5 % (Lake
et al. 2015); the characters sampled at random here are harder. You can measure the error rates of
these networks in either on the Evaluate page.
"""
WHY_CLASS = """
The address carries the mode and the seed: everybody who opens it (*Copy link* in the sidebar) gets
the same ten questions, on any machine that has the same characters. At the end there is a line to
copy and compare. “{again}” goes to the following seed, so a class stays together.
"""
