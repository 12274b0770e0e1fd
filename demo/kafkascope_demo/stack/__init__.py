"""The demo on this machine: brokers, services, backends as processes: kept up, ended in order."""
