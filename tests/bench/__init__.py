"""`make bench`: confgen beside its peers, in one run on one engine.

The absolute times of a shared machine mean little, so whatever is compared is measured in turns in the same run. A measure
is a file in measures/ and gives Figures; the rest of the package sets the scene and shows what came out.
"""
