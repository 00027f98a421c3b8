"""Do these two models agree on these inputs?"""
