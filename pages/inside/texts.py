"""What people get wrong about a meta-update, set right where it stands."""

WHY_QUERY = """
In a *test* it would be: there the query set only asks. In **meta-training** these are training
characters, and their labels are there to be used. What is trained is not an answer to these
queries but the start θ: from it a step on *other* pictures, the support set, has to lead to good
answers. If the support loss moved θ, θ would learn to remember five pictures; the query loss asks
whether the step generalises. The test characters, later, are others; their queries move nothing.
(What this page computes on characters never seen in training is shown and then forgotten.)
"""
WHY_SUM = """
Because the tasks contradict each other: what is class A in one is class C in the next. No single θ
can solve two of them. With no inner step every task's loss at θ is ln N and accuracy is chance,
whatever the weights below the head are: the gradient of the sum is exactly zero (*Joint
pretraining* in the table below). So MAML does not minimise Lᵢ(θ) but Lᵢ(θ′ᵢ): θ need not solve any
task, it has to lie where one step solves each.
"""
WHY_BACK = """
θ′ = θ − α ∇L(θ) depends on θ twice: as its first term, and through the gradient. The chain rule
gives ∂θ′/∂θ = I − α H, with H the Hessian of the support loss, so the meta-gradient is
(I − α H) ∇L_query(θ′). PyTorch computes that product without forming H: `grad` of a function that
itself calls `grad`. First-order MAML leaves α H out.
"""
WHY_STEPS = """
No. A θ trained with one inner step can take more in a test, and these weights do: they were trained
with one step of α = 0.4 on 20-way tasks, and adapt with smaller steps, more of them, of an α chosen
on validation characters. What must fit is that the steps still go downhill. Set five steps here and
see that the meta-gradient turns: it is another objective.
"""
WHY_PLANE = """
Each arrow is a direction among over 100,000. The plane's first axis is the mean arrow, so the mean
lies in it whole; the second is the direction in which the tasks differ most. A short arrow on the
plane can be a long one that points out of it, and arrows close together on the plane need not be so
outside: that is why the shares stand below. With two tasks nothing is lost.
"""
