from .scheduler import take_over
take_over()
