# Completion of p2p for PowerShell: p2p itself says what may come next.
Register-ArgumentCompleter -Native -CommandName p2p -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $before = $commandAst.CommandElements | Where-Object {
        $_.Extent.EndOffset -lt $cursorPosition -or
            ($_.Extent.EndOffset -eq $cursorPosition -and $wordToComplete -eq '')
    }
    $words = @($before | ForEach-Object {
        if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value }
        else { $_.Extent.Text }
    })
    # empty arguments are dropped, so a dot follows the last word
    & (Get-Command -CommandType Application p2p | Select-Object -First 1) completions powershell '--' @words "$wordToComplete." 2> $null |
        Where-Object { $_ -ne "`tfiles" } |
        ForEach-Object {
            $value, $about = $_ -split "`t", 2
            if (-not $about) { $about = $value }
            [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $about)
        }
}
