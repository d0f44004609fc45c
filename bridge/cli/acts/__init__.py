"""Commands by which a person steps in: pause, another round, claim, a read now."""
