"""What the numbers in REPORT.md rest on."""

{
    "09": {
        "Two pages, at most 900 words, with two figures": "a task",
        "| | 0 | 1 | 2 |": "a task",
        "Gemma 3 270M from a quantized file": "the name of a model",
        "every fourth concept, without shared tokens, n = 117; seed 0": (
            len(german[0]) == 117 and german[0].setting.seed == 0
        ),
        "peaks at 9.9 % [6.4 %, 13.6 %], at layer 16": (
            agreement.loc["de → zh", "logit"][["pivot_peak", "lower", "upper"]].round(3).tolist()
            == [0.099, 0.064, 0.136]
            and agreement.at_layer["de → zh", "logit"] == 16
        ),
        "it peaks at 1.9 %, through the tuned lens at 1.3 %, and in the Patchscope at 0.5 %": (
            agreement.pivot_peak["de → zh"].drop("logit").round(3).tolist() == [0.019, 0.013, 0.005]
        ),
        "none of these intervals reaches the lower end of the first one": (
            agreement.upper["de → zh"].drop("logit").max() < agreement.lower["de → zh", "logit"]
        ),
        "leads from layer 13 on through these three, and from 15 on through the logit lens": (
            agreement.target_start["de → zh"].tolist() == [15, 13, 13, 13]
        ),
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
        "and still shows 10 %": "what would change a mind",
        "from layer 13 on | P(Chinese) above 5 % from 13 on, three lenses": (
            (agreement.target_start["de → zh"].drop("logit") == 13).all()
            and min(run.between(13, 18).probability["zh"].mean(0).min() for run in german[1:])
            > 0.05
        ),
        "One model of 270 million parameters, one pair": "the name of a model",
    },
}
