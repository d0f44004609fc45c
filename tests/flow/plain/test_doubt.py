from tests.flow.test_doubt import *
