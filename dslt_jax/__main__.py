from dslt_jax.cli.main import run

run()
