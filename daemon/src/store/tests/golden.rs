//! A journal that was written once and must be readable for ever.
