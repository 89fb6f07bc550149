"""How residuals and levels add up, and what a constant bias can and cannot do."""

from prover import prove, reach, within, z3


def test_residuals_add_up_to_at_most_their_number_times_the_ends():
    """N in [low, high] sum within [N low, N high], by induction for symbolic N, low and high."""
    total, one, number, low, high = z3.Ints("total one number low high")
    given = [number >= 0, low <= one, one <= high, number * low <= total, total <= number * high]
    after = total + one

    prove(0 * low == 0, 0 * high == 0)  # no residuals
    prove((number + 1) * low <= after, after <= (number + 1) * high, given=given)


def test_a_sum_of_residuals_reaches_both_ends():
    """If the first N and the next residual are at one end, so is their sum."""
    total, one, number, end = z3.Ints("total one number end")
    given = [number >= 0, one == end, total == number * end]

    prove(total + one == (number + 1) * end, given=given)


def test_levels_add_up():
    """The sum of two values within their intervals is within the sum of the intervals."""
    names = "below low high above least most"
    below, low, high, above, least, most = z3.Ints(names)
    given = [low <= below, below <= high, least <= above, above <= most]

    prove(low + least <= below + above, below + above <= high + most, given=given)


def test_residuals_of_percpu_add_up_for_every_number_of_cpus_and_every_batch():
    """|sum| <= (b - 1) N, by induction on N with b symbolic (non-linear)."""
    total, one, cpus, batch = z3.Ints("total one cpus batch")
    given = [batch >= 1, cpus >= 0, within(total, cpus * (batch - 1)), within(one, batch - 1)]

    prove(within(total + one, (cpus + 1) * (batch - 1)), given=given)


def test_the_closed_forms_of_percpu():
    """b = max(32, 2 N) makes (b - 1) N = 31 N up to 16 CPUs and (2 N - 1) N from 16 on."""
    cpus, online = z3.Ints("cpus online")
    batch = z3.If(2 * online > 32, 2 * online, 32)
    bound = (batch - 1) * cpus
    given = [cpus >= 1, cpus == online]

    prove(bound == 31 * cpus, given=[*given, cpus <= 16])
    prove(bound == (2 * cpus - 1) * cpus, given=[*given, cpus >= 16])
    reach(*given, cpus == 384, bound == 294_528)


# -- the centred tree


def test_half_the_range_centres_the_interval():
    """0 <= r <= U and bias = floor(U/2): approximate - precise in [-ceil(U/2), floor(U/2)]."""
    kept, most = z3.Ints("kept most")
    off = most / 2 - kept

    prove(-((most + 1) / 2) <= off, off <= most / 2, given=[kept >= 0, kept <= most])


def test_the_centred_interval_reaches_both_ends():
    """A full tree is ceil(U/2) too low, an empty one floor(U/2) too high, for every U."""
    most = z3.Int("most")

    prove(most / 2 - most == -((most + 1) / 2), most / 2 - 0 == most / 2, given=[most >= 0])


def test_no_constant_bias_has_a_smaller_worst_case():
    """Any bias is off by ceil(U/2) or more on an empty tree or on a full one."""
    most, bias = z3.Ints("most bias")
    half = (most + 1) / 2
    worst = [z3.Or(off >= half, -off >= half) for off in (bias, bias - most)]

    prove(z3.Or(*worst), given=[most >= 0])


def test_a_smaller_bias_is_worse_than_half():
    """Other constants are worse: without a bias the worst case exceeds ceil(U/2)."""
    most, kept = z3.Ints("most kept")

    reach(most == 40_576, kept >= 0, kept <= most, kept > (most + 1) / 2)
