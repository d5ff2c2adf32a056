namespace FastIova;

/// <summary>How a page fault was answered (<c>enum iommufd_page_response_code</c>).</summary>
internal enum PageResponseCode : uint
{
    /// <summary><c>IOMMUFD_PAGE_RESP_SUCCESS</c>: the page is there; try again.</summary>
    Success = 0,

    /// <summary><c>IOMMUFD_PAGE_RESP_INVALID</c>: the access fails.</summary>
    Invalid = 1,
}
