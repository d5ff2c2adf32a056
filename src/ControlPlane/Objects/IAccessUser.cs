namespace FastIova;

/// <summary>Who uses an access: the driver of an emulated device, or a test.</summary>
internal interface IAccessUser
{
    /// <summary>A range is being unmapped: what is pinned of it is given back before this returns. Called without any lock.</summary>
    /// <param name="iova">The first address.</param>
    /// <param name="length">Bytes; <see cref="ulong.MaxValue"/> from zero means everything.</param>
    void OnUnmap(ulong iova, ulong length);
}
