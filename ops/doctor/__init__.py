"""`avrr doctor`: what is wrong with a system, in sentences, and what to do; it changes nothing and works when all is down."""
