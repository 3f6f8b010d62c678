//! How the answers of the tools are read.
