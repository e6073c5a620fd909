"""What the numbers in INSTRUCTOR.md rest on."""

{
    "01": {
        "(Gemma 3 270M, from a quantized file": "the name of a model",
        "A 90-minute session": "a plan for a lesson",
        "| 0–10 |": "a plan for a lesson",
        "| 10–25 |": "a plan for a lesson",
        "| 25–50 |": "a plan for a lesson",
        "| 50–65 |": "a plan for a lesson",
        "| 65–75 |": "a plan for a lesson",
        "| 75–90 |": "a plan for a lesson",
        "| 0–30 |": "a plan for a lesson",
        "| 30–95 |": "a plan for a lesson",
        "| 95–110 |": "a plan for a lesson",
        "| 110–160 |": "a plan for a lesson",
        "| 160–205 |": "a plan for a lesson",
        "| 205–215 |": "a plan for a lesson",
        "| 215–240 |": "a plan for a lesson",
        "| 1, sections": "the number of a notebook",
        "| 2, sections 2": "the number of a notebook",
        "| 2, sections 6": "the number of a notebook",
        "are done | 2 |": "the number of a notebook",
        "| 2, last section": "the number of a notebook",
        "01.3 | 1 |": "the number of a notebook",
        "02.3 | 2 |": "the number of a notebook",
        "03.3 | 3 |": "the number of a notebook",
        "reports | 4 |": "the number of a notebook",
        "| 6, section": "the number of a notebook",
        "3-D figures": "a name",
        "the sphere in 3 and 5": "the numbers of notebooks",
        "with 95 % bootstrap intervals": "a definition",
        "above 10 %: of P(English) at its highest layer": "a definition",
        "all 18 looks": ll.data.results("headlines").at_layer.max() <= 18,
        "without cognates English leads at no layer": (
            ll.data.results("headlines")
            .query("pair == 'fr → zh' and words == 'no cognates'")
            .english_ahead.isna()
            .all()
        ),
        "The median is near zero in every row": ll.data.results("headlines")["median"].max() < 0.03,
        "if at least 64 % of the prompts are above 10 %": (
            round((ll.data.results("paper").pivot_peak.min() - 0.1) / 0.9, 2) == 0.64
        ),
        "peaks at 0.68 (7B), 0.68 (13B) and 0.75 (70B)": ll.data.results("paper")
        .pivot_peak.dropna()
        .tolist()
        == [0.68, 0.68, 0.75],
        "P(English) + P(Chinese) must be 1": "a misconception",
        "token of layer 1 |": "a definition",
        "the mean is 0.68 or more": ll.data.results("paper").pivot_peak.min() == 0.68,
        "Seeds 1 and 2": "measured by hand: run_experiment(seed=1), seed=2, every=8",
        "(117. Clustering": (
            ll.data.results("pairs").query("experiment == 'translation de → zh'").n.item() == 117
        ),
        "at layer 16 by a third: these prompts are worth about 190": (
            "measured by hand: mean_ci of the pooled run, with and without clusters"
        ),
        "333 prompts, so n = 333": (
            ll.data.results("experiments")
            .query("experiment == 'translation de+fr+ru → zh'")
            .n.item()
            == 333
        ),
        "about half a minute": "measured by hand: python -m latentlang prefetch",
        "1.1 GB each": (
            ll.data.results("memory")
            .query("model == 'gemma-3-270m' and way == 'float32'")
            .weights.round(1)
            .item()
            == 1.1
        ),
        "four times as long": "every=4 takes one concept in four",
        "2 GB per student": "tests/test_small_machine.py",
        "less than 4 GB": "the rule of latentlang/models/hardware.py",
        "with 4 GB it need not": "the rule of latentlang/models/hardware.py",
        "Python 3.12": "NDIF's documentation",
    },
    "02": {"the other 262,000 tokens": log_probs.shape[-1] // 1000 * 1000 == 262_000},
}
