"""The beginning of a small script, for courses that tests make."""

FRONT = """# ---
# jupyter:
#   course:
#     you_will: try something
#     figure: shared = 1
#     alt: Nothing
#     first_run: 0.5
#     again: 0.1
# ---

# %% [markdown]
# # 1 · Try
#
# It takes about 5 minutes to work through.

# %% tags=["setup"]

# %%
shared = 1

"""
