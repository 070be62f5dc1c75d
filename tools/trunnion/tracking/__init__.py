"""Every stage of a flow as a run of MLflow: kept in a journal first, and sent when the store can be reached."""
