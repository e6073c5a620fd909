"""What the numbers in README.md rest on."""

{
    "01": {
        "Gemma 3 270M (from a quantized file": "the name of a model",
        "ACL 2024)": "a citation",
        "Python 3.11 or later": "requires-python in pyproject.toml",
        "about 250 MB": "the size of the package's file on PyPI",
        "1.1 GB in your cache": (
            ll.data.results("memory")
            .query("model == 'gemma-3-270m' and way == 'float32'")
            .weights.round(1)
            .item()
            == 1.1
        ),
        "about half a minute": "measured by hand: python -m latentlang prefetch",
        "2 GB of memory": "tests/test_small_machine.py",
        "plans for 90 minutes": "a plan for a lesson",
        "8-bit, 35 architectures": "counted in CONFIGS and FAMILIES of tests/tiny.py",
        "Qwen2.5-Coder 1.5B Instruct: 1.1 GB of packages, 3.6 GB in your cache, and 5 GB": (
            "sizes of the wheels and of the folder, and the peak that bench_large.py measures"
        ),
        "sets up Qwen2.5-Coder 1.5B": "the name of a model",
        "Qwen2.5-Coder 1.5B Instruct is under the [Apache Licence 2.0]": "names",
        "3,000 random requests": "CASES in the Makefile",
        "about 6 minutes": "measured by hand: time make fuzz",
        "CC BY 4.0": "the name of a licence",
        "Gemma 3 270M, under": "the name of a model",
        "Robert West. 2024": "a citation",
        "*Proceedings of ACL 2024*, pages 15366–15394": "a citation",
        "developers. 2026": "a citation",
    },
    "02": {
        "the mean of English reaches 24 %": (
            round(german.probability["en"].double().mean(0).max().item(), 2) == 0.24
        ),
        "against 6 % in the demo model": (
            round(
                ll.data.results("pairs").set_index("experiment").pivot_peak["translation fr → de"],
                2,
            )
            == 0.06
        ),
    },
}
