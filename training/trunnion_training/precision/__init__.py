"""Networks of less precision: FP16 by casts, INT8 by Q/DQ, written in the graph and measured against fp32."""
