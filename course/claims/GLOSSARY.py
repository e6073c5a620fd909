"""What the numbers in GLOSSARY.md rest on."""

{
    "02": {
        "1 the same, 0 at right angles, −1 opposite": "a definition",
        "log(P / (1 − P)): 0 at 50 %, and as far above 0 at 99 % as below 0 at 1 %": "a definition",
        "0 when one token has all the probability": "a definition",
        "18 when 262,144 tokens share it equally": log_probs.shape[-1] == 262_144 == 2**18,
        "**8-bit (LLM.int8).**": "a name",
        "layer 1 is the output of the first block": one.layers[0] == 1,
        "Layer 0, the embedding": "a definition",
        "probabilities that add up to 1": (
            ((log_probs.exp().sum(-1) - 1).abs() < 1e-4).all().item()
        ),
        "Llama 2: Open Foundation": "a title",
        "Gemma 3 Technical Report": "a title",
        "that holds 95 % of the results": "a definition",
        "0 when they are the same": "a definition",
        "instead of the logarithm to base 2": "a definition",
        "Of many intervals of 95 %": "a definition",
        "the chance to miss *anywhere* is about 5 %": "a definition",
        "89.70 % English (section 3.1); the mix of Gemma 3": (
            "what the paper says, and the name of a model"
        ),
        "*ACL*, 31822–31841": "the pages of an article",
        "the models of 1B to 27B; the 270M model": "names of models",
    },
    "03": {
        "above 5 % on average": "the rule of ll.find_phases",
        "read with 99 pairs of wrong axes": path.chance.shape[1] == 99,
        "(z = 1)": "a definition",
        "(z = 0)": "a definition",
        "have z near 0.7": (torch.cat([*path.words.values()])[:, 2].mean() - 0.7).abs() < 0.05,
    },
}
