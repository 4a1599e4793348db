"""What people get wrong about a meta-update, set right where it stands."""

WHY_QUERY = """
In a *test* it would be: there the query set is only for measuring. In **meta-training** these are
training characters, and their labels are there to be used. What is trained is not an answer to
these queries but the start θ: from it a step on *other* pictures, the support set, has to lead to
good answers. If the support loss moved θ, θ would learn to memorise five pictures; the query loss
asks whether the step generalises. The test characters, later, are different ones; their queries
move nothing. (What this page computes on characters never seen in training is shown and then
forgotten.)
"""
WHY_SUM = """
Because the tasks contradict each other: what is class A in one is class C in the next. No single θ
can solve two of them. With no inner step every task's loss at θ is ln N and accuracy is chance,
whatever the weights below the head are: the gradient of the sum is exactly zero (*Multi-task
training* in the table below). So MAML doesn't minimise Lᵢ(θ) but Lᵢ(θ′ᵢ): θ need not solve any
task, it has to lie where one step solves each of them.
"""
WHY_BACK = """
θ′ = θ − α ∇L(θ) depends on θ twice: through its first term, and through the gradient. The chain
rule gives ∂θ′/∂θ = I − α H, with H the Hessian of the support loss, so the meta-gradient is
(I − α H) ∇L_query(θ′). PyTorch computes that product without forming H: `grad` of a function that
itself calls `grad`. First-order MAML leaves α H out.
"""
WHY_STEPS = """
No. A θ trained with one inner step can take more in a test, and these weights do: they were trained
with one step of α = 0.4 on 20-way tasks, and adapt with more and smaller steps, of an α chosen on
validation characters. What matters is that the steps still go downhill. Set five steps here and
watch the meta-gradient turn: it is a different objective.
"""
WHY_PLANE = """
Each arrow is a direction among over 100,000. The plane's first axis is the mean arrow, so the mean
lies in it completely; the second is the direction in which the tasks differ most. A short arrow on
the plane can be a long one that points out of it, and arrows close together on the plane need not
be so outside it: that is why the shares are given. With two tasks nothing is lost.
"""
WHY_FIRST_ORDER = """
First-order MAML takes the query gradient at θ′ as if θ′ depended on θ only through its first term.
**After one step from a head of zeros** that is a strange thing to do: all that the step moved is
the head, and how the head's new rows depend on the features, that is on θ, is exactly what
first-order MAML leaves out. It keeps what the weights below do for a *given* head. That is why it
turns farther away as α grows, and why training with it broke down at α = 0.4 with one step; the
first-order weights are trained with three steps at α = 0.05.

**Reptile** uses no query set: θ − θ′, divided by α here, is the sum of the gradients of the inner
steps. With one step that is the head's alone, and a new task's head starts at zero again: nothing
is left for θ, its length is 0. From the second step on the weights below move as well.

This Reptile is a variant: its inner loop is the one of the other methods, plain gradient descent
from a head of zeros. Nichol et al. (2018) take the inner steps with Adam and keep the head from
task to task, so these numbers are not those of their paper.
"""
WHY_HEAD = """
Raghu et al. (2020) asked whether MAML learns quickly or has good features already, and let only
the head adapt (ANIL, *almost no inner loop*): accuracy hardly fell. Here the question is put to
both starts, with the same weights and the same α; only which weights the inner loop may move is
varied. The first step is the same by construction: from a head of zeros only the head moves anyway.
"""
WHY_RATES = """
One α for all weights and steps is a guess. **MAML++** (Antoniou et al. 2019) learns, with θ, a
rate for each layer and inner step; **Meta-SGD** (Li et al. 2017) one for each weight, which may be
negative: that weight then climbs. Both are learned by the same meta-gradient as θ.

In the first step from a head of zeros only the head moves, whatever the rates below it say: those
of the blocks at step 1 are what the training began with.
"""
