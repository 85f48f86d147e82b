# Completion of PROGRAM for PowerShell. Load it with: PROGRAM completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName 'PROGRAM' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
        Select-Object -Skip 1 | ForEach-Object { $_.Extent.Text })
    if ($wordToComplete -eq '') {
        # Before version 7.3 PowerShell drops empty arguments of programs.
        $words += if ($PSVersionTable.PSVersion -lt [version]'7.3') { '""' } else { '' }
    }
    $answer = @(& $commandAst.CommandElements[0].Extent.Text '__complete' @words 2>$null)
    if ($answer.Count -eq 0) { return }
    $directive = [int]$answer[-1].Substring(1)
    if (($directive -band 1) -ne 0) { return }
    $answer | Select-Object -SkipLast 1 | ForEach-Object {
        $word, $about = $_ -split "`t", 2
        if (-not $about) { $about = $word }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $about)
    }
}
