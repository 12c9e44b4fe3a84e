"""What plans and stations ask for: roles, not makes. A driver fits a role by having its methods."""
