"""What people ask about the toy world, and the reasons behind each layout of tasks."""

REASONS = {
    "Steep and flat": """
A steep task punishes distance most, so multi-task training goes to where the **steep** tasks are.
But a few inner steps lead down a steep slope fast and along a flat one hardly at all: MAML leaves
the steep tasks to the inner loop and starts near the **flat** ones; Reptile, iMAML and first-order
MAML lie in between. Only when α is so large that a step overshoots on the steep tasks do these pull
again.
""",
    "Same curvature": """
All tasks have the same curvature, so each method weights all centres equally, and all of them end
at the mean. MAML is then **no better than multi-task training**: what it can learn is which tasks
are hard for the inner loop to reach, and here they are all equally hard.
""",
    "All different": """
Each task has its own curvature, so each method weights the centres in its own way. Raise α or the
inner steps: multi-task training depends on neither and stays where it is; MAML moves to those tasks
that the inner loop still can't reach.
""",
}
WHY_TWO = """
The vermilion curve asks: how good is θ *as it is*, on average? Multi-task training looks for its
lowest point. The blue one asks: how good is it *after a few steps of descent on each task*? That is
MAML's meta-objective, and its lowest point can lie where θ itself is bad on every task. Summing the
losses at θ isn't wrong; it answers a different question.
"""
WHY_FIRST_ORDER = """
Full MAML follows the slope of the blue curve. It knows that moving θ by 1 moves the adapted θ′ᵢ by
only (1 − αaᵢ)ᵏ, and multiplies by that. First-order MAML takes this factor to be 1, and so counts
steep tasks more than it should. Where αaᵢ > 1 the step jumps across the valley: for an odd number
of steps the factor is negative, and first-order MAML pushes θ *away* from that task. With a large
enough α it never comes to rest.
"""
WHY_REPTILE = """
Reptile moves θ towards the adapted θ′ᵢ. With one step θ − θ′ᵢ is α times the gradient at θ, so it
is multi-task training. With many steps each task is solved, θ′ᵢ = cᵢ, and Reptile goes to the plain
mean of the centres, whatever the curvatures. (Here, as everywhere in this app, its inner steps are
plain gradient descent; Nichol et al. (2018) take them with Adam.)
"""
WHY_IMPLICIT = """
iMAML takes no notice of the steps: its inner loop goes to the lowest point of the task's loss plus
½ λ |φ − θ|², a spring that holds φ near θ. That point moves smoothly with θ, and conjugate
gradients find by how much. Here λ = 1 / (kα), a spring about as strong as k steps of α are short.
So it ends near MAML as long as α is small; but its weight a / (1 + kαa)² never turns negative and
never vanishes: without a step there is no overshooting.
"""
WHY_NETWORKS = """
A network's loss is not a parabola: its curvature is different at each θ, so there is no closed form
and all of this has to be computed, as the other pages do. Each task has one loss here, where a real
episode has two, support and query. And the five methods start from the same θ and take their exact
meta-gradient over all tasks, where training sees a few at a time.
"""
