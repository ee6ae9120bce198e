"""Finds the routes of a codebook: `python -m tfdyn.codebook --run_dir=…`."""

from absl import flags

from tfdyn import commands

FLAGS = flags.FLAGS


def main() -> None:
    """Runs the command on the flags."""
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from tfdyn.evaluation.codebook_of_run import codebook_of_run
    from tfdyn.runs.finished import newest_run

    run_dir = FLAGS.run_dir or newest_run().path
    content = codebook_of_run(
        run_dir,
        FLAGS.output,
        FLAGS.size,
        FLAGS.routes,
        FLAGS.least_cost,
        FLAGS.threshold,
        FLAGS.cost_table,
        FLAGS.data_dir,
        FLAGS.batch_size,
    )

    def percent(route):
        return f"{100 * route['validation_accuracy']:.2f} %"

    lines = [f"{'cost':>6}  {'validation':>10}  branches that run"]
    lines += [
        f"{route['cost']:6.3f}  {percent(route):>10}  {route['runs']}"
        for route in content["routes"]
    ]
    found = len(content["routes"])
    if found < FLAGS.size:
        lines.append(
            f"{found} routes instead of --size={FLAGS.size}: the others cost nearly "
            f"the same, or less than --least_cost={FLAGS.least_cost:g}"
        )
    commands.report(content, "\n".join(lines))
    commands.say(f"wrote {FLAGS.output}\n")


if __name__ == "__main__":
    commands.define_run_dir("Run folder (default: the newest in runs/).")
    flags.DEFINE_string("output", None, "JSON file to write.", required=True)
    flags.DEFINE_integer(
        "size",
        6,
        "Largest number of routes in the codebook. 1: the most accurate one alone, for "
        "a network without routers, its static twin.",
        lower_bound=1,
        upper_bound=64,
    )
    flags.DEFINE_integer(
        "routes",
        128,
        "Largest number of fixed routes that are tried on the validation images.",
        lower_bound=2,
    )
    flags.DEFINE_float(
        "least_cost",
        0.3,
        "Each route costs at least this share of the most expensive.",
        lower_bound=0.0,
        upper_bound=1.0,
    )
    flags.DEFINE_float(
        "threshold",
        None,
        "T at which the routes in use are tried first (default: that of the run).",
    )
    commands.define_passes()
    commands.define_json()
    flags.adopt_module_key_flags(commands)  # So that --help lists them.
    commands.run(main)
