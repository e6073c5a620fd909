"""What the numbers in data/README.md rest on."""

{
    "01": {
        "the logarithm (base 10) of how often the word stands in 10^9 words": "a definition",
        "so 3 is once in a million": "what follows from the definition",
        "wordfreq (CC BY-SA 4.0)": "the name of a licence",
        "the licence: CC BY-SA 4.0": "the name of a licence",
        "`zh` | 140": "tests/test_tokens.py counts them",
        "`de` | 120": "tests/test_tokens.py counts them",
        "`fr` | 76": "tests/test_tokens.py counts them",
        "`ru` | 140": "tests/test_tokens.py counts them",
        "| 139 |": ll.data.results("paper_words").set_index("language").words["zh"] == 139,
        "| 104 |": ll.data.results("paper_words").set_index("language").words["de"] == 104,
        "| 56 |": ll.data.results("paper_words").set_index("language").words["fr"] == 56,
        "| 115 |": ll.data.results("paper_words").set_index("language").words["ru"] == 115,
        "Llama-2 7B, 13B and 70B": [
            len(ll.data.published(f"llama-2-{size}").layers) for size in ("7b", "13b", "70b")
        ]
        == [32, 40, 80],
        "compared 19 languages": "grep -l ^dictionaries data/languages/*/language.toml | wc -l",
        "a spelling may stand for two concepts": "a rule of ll.build_prompts",
        "CC BY 4.0": "the name of a licence",
    },
}
