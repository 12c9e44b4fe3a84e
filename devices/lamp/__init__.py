"""What a flash lamp's station is made of: states, arming, permissives, witnesses, the train and its records."""
