"""OPC UA in front of the cell: its state as nodes, changes of orders as events, orders by methods."""
