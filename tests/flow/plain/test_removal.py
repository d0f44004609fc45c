from tests.flow.test_removal import *
