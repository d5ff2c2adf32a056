namespace FastIova;

/// <summary>Somebody who has mapped memory that can be revoked: an ioas.</summary>
internal interface IRevocationUser
{
    /// <summary>Takes out of every domain what is mapped of a source that is revoked: when it returns, no device uses it. Never fails.</summary>
    /// <param name="source">The source; what of it is not mapped yet will not be.</param>
    void Revoke(PageSource source);
}
