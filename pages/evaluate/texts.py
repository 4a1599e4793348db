"""The explanations behind the questions of the Evaluate page."""

WHY_SPLIT = """
**Unseen alphabets**: trained on the background alphabets and tested on the 20 evaluation alphabets;
neither the test characters nor their alphabets were seen in training. **Unseen characters
(paper)**: all characters are shuffled regardless of alphabet, as in Finn et al. 2017, so other
characters of the same alphabets were seen in training. That is easier, and it is what published
tables use. Each split has its own weights, trained without its test characters.
"""
WHY_QUERIES = """
Each layer normalises by a mean and a variance. **Together** computes them over all query pictures
of the episode (*transductive*, as in MAML's published Omniglot results), which lets the queries
share some information. **Each alone** takes them from the support set (*inductive*): a query is
classified as if it were the only one, as when somebody draws a single character.
"""
WHY_NEAREST = """
A **1-nearest neighbour** classifier adapts nothing: a query takes the label of the most similar
support picture. Similarity is the distance between the **pixels** or the cosine between
**features**, either those of the pretrained network before any inner step or those of a **ResNet**
with ten times as many parameters, pretrained on the same characters and on others spliced from
parts of them. A method that adapts should beat the nearest neighbour on its own network's features;
the gain of a larger network is not due to adaptation (Chen et al. 2019, arXiv:1904.04232).
"""
WHY_ROTATION_TTA = """
To these networks, a character rotated by 90° is another class: they were trained to tell the two
apart. With **rotation test-time augmentation (TTA)** each method adapts four times from the same
initialisation, to the support set rotated by 0°, 90°, 180° and 270°, and classifies the queries
rotated in the same way; the four logits are averaged. The errors of the four differ, so their mean
has a lower error rate. Nothing is retrained, but it takes four times as long, and published numbers
do not use it.
"""
WHY_INK_CROPS = """
Many of Omniglot's characters are small: a quarter of them span 15 or fewer of the 28 pixels that a
network sees. An **ink crop** is the square around the ink, cut from the full-size picture. Each
method adapts to both views, the whole pictures and their ink crops, and the logits are averaged.
This takes twice as long. Only the ResNet for *unseen alphabets* saw ink crops in training.
"""
WHY_ENSEMBLE = """
Several networks that err differently err less **together**. Each chosen method adapts by itself,
and the mean of their logits decides. Methods' logits are not on one scale, so each one's are first
divided by their standard deviation over the classes. A nearest neighbour votes with its cosines;
pixels have no vote. MAML++'s published numbers are of an ensemble, too: of five checkpoints of one
training.
"""
WHY_RUNS = """
Omniglot comes with a one-shot challenge (Lake et al. 2015): **20 fixed runs**, the same for
everybody. Each has 20 characters of one alphabet, one example of each by one drawer, and 20 queries
by another drawer; that makes 400 queries, on which people have an error rate of 4.5 %. The authors
chose ten evaluation alphabets and, for each, 20 characters and two pairs of drawers. Episodes
**sampled at random**, 20-way within one alphabet by the same drawers, are of the same kind but
harder: any alphabet, any characters, any two drawers. The comparison with people is fair only for
queries normalised *each alone*.
"""
WHY_INTERVAL = """
The band is a 95 % confidence interval: in about 95 of 100 such evaluations it contains the mean
over infinitely many episodes. Four times as many episodes make it half as wide. Accuracies close to
100 % are skewed, and the usual mean ± 1.96 s / √n would be too narrow; this is Wilson's interval
with the variance between episodes. The official runs are clustered by alphabet, because both runs
of an alphabet have the same characters. The interval says nothing about other weights: another
training run would give another mean.
"""
