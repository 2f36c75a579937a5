"""`headrace setup`: all that is installed, fetched or built once."""

from rich.console import Console

from headrace.cli.options import With, named_servers


def setup(extras: With = None) -> None:
    """Install missing programs, fetch the jars, build our own and influxd. Does nothing a second time."""
    from stack import influxd, jars, operators_jar, programs

    console = Console(soft_wrap=True)
    with console.status("Setting up") as status:

        def say(text: str) -> None:
            status.update(text)
            if not console.is_terminal:
                console.print(text, highlight=False)

        programs.install_missing(say, programs.of_servers(named_servers(extras) or ()))
        jars.fetch(say)
        operators_jar.build(say)
        path = influxd.build(say)
    console.print(f"Set up: programs, jars ({jars.folder()}), influxd ({path})", highlight=False)
