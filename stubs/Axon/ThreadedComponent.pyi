import threading

from Axon.Component import component

class threadedcomponent(component):
    _thethread: threading.Thread
    _threadrunning: bool

class threadedadaptivecommscomponent(threadedcomponent): ...
