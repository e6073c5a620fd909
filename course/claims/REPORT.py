"""What the numbers in REPORT.md rest on."""

{
    "09": {
        "Two pages, at most 900 words, with two figures": "a task",
        "| | 0 | 1 | 2 |": "a task",
        "Gemma 3 270M from a quantized file": "the name of a model",
        "every fourth concept, without shared tokens, n = 117; seed 0": (
            len(german[0]) == 117 and german[0].setting.seed == 0
        ),
        "| logit | 9.9 % | 6.4 % to 13.6 % | 16 | 15 |": (
            agreement.loc["de → zh", "logit"][["pivot_peak", "lower", "upper"]].round(3).tolist()
            == [0.099, 0.064, 0.136]
            and agreement.loc["de → zh", "logit"][["at_layer", "target_start"]].tolist() == [16, 15]
        ),
        "| linear | 1.9 % | 0.5 % to 3.8 % | 13 | 13 |": (
            agreement.loc["de → zh", "linear"][["pivot_peak", "lower", "upper"]].round(3).tolist()
            == [0.019, 0.005, 0.038]
            and agreement.loc["de → zh", "linear"][["at_layer", "target_start"]].tolist()
            == [13, 13]
        ),
        "| tuned | 1.3 % | 0.4 % to 2.8 % | 14 | 13 |": (
            agreement.loc["de → zh", "tuned"][["pivot_peak", "lower", "upper"]].round(3).tolist()
            == [0.013, 0.004, 0.028]
            and agreement.loc["de → zh", "tuned"][["at_layer", "target_start"]].tolist() == [14, 13]
        ),
        "| Patchscope | 0.5 % | 0.3 % to 0.8 % | 13 | 13 |": (
            agreement.loc["de → zh", "patchscope"][["pivot_peak", "lower", "upper"]]
            .round(3)
            .tolist()
            == [0.005, 0.003, 0.008]
            and agreement.loc["de → zh", "patchscope"][["at_layer", "target_start"]].tolist()
            == [13, 13]
        ),
        "does the interval reach the lower end of the logit lens": (
            agreement.upper["de → zh"].drop("logit").max() < agreement.lower["de → zh", "logit"]
        ),
        "and is above 5 %:": "how a column is defined",
        "| lens | peak | 95 % interval |": "the name of an interval",
        "text in 24 languages": len(ll.languages()) == 24,
        "shows neither word with more than 1 % below the last layer": (
            highest.loc["linear-shuffled"].max() < 0.01
        ),
        "A lens fitted on English sentences shows far *more* English": (
            through.probability["en"].mean(0).max() > 2 * plain.probability["en"].mean(0).max()
        ),
        "| 9.9 % against 0.5 % to 1.9 % |": (
            agreement.pivot_peak["de → zh"].round(3).tolist() == [0.099, 0.019, 0.013, 0.005]
        ),
        "that still shows 10 %": "what would change a mind",
        "from layer 13 on | P(Chinese) above 5 % from 13 on, three lenses": (
            (agreement.target_start["de → zh"].drop("logit") == 13).all()
            and min(run.between(13, 18).probability["zh"].mean(0).min() for run in german[1:])
            > 0.05
        ),
        "One model of 270 million parameters, one pair": "the name of a model",
        "the peak of the logit lens is lower": (
            german[0].without_cognates().probability["en"].mean(0).max()
            < german[0].probability["en"].mean(0).max()
        ),
        "| more than twice as high |": (
            through.probability["en"].mean(0).max() > 2 * plain.probability["en"].mean(0).max()
        ),
    },
}
