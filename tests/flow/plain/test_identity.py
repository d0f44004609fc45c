from tests.flow.test_identity import *
